// Draws the charts of a report. Everything it needs is in the page.
(function () {
  'use strict';
  const given = JSON.parse(document.getElementById('chart-specs').textContent);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const asTheyAre = new Set(['data', 'domain', 'description']);
  const views = new Map();
  let printing = false;

  function themed(value, colours) {
    if (typeof value === 'string') {
      return value[0] === '@' ? (colours[value.slice(1)] || value) : value;
    }
    if (Array.isArray(value)) return value.map((item) => themed(item, colours));
    if (value === null || typeof value !== 'object') return value;
    const found = {};
    for (const [key, item] of Object.entries(value)) {
      found[key] = asTheyAre.has(key) ? item : themed(item, colours);
    }
    return found;
  }

  function draw(box) {
    const theme = given.themes[dark.matches && !printing ? 'dark' : 'light'];
    const width = Math.floor(box.clientWidth);
    if (!width) return Promise.resolve();
    const spec = themed(given.charts[box.dataset.chart], theme.colours);
    spec.width = width;
    spec.autosize = { type: 'fit-x', contains: 'padding' };
    spec.padding = { left: 1, right: 6, top: 4, bottom: 2 };
    const config = structuredClone(theme.config);
    config.axisY = Object.assign({}, config.axisY, { labelLimit: Math.round(width * 0.52) });
    config.legend.columns = Math.max(1, Math.floor((width - 20) / ((spec.usermeta || {}).entry || 230)));
    spec.config = config;
    const compiled = vegaLite.compile(spec).spec;
    const before = views.get(box);
    const runtime = vega.parse(compiled, null, { ast: true });
    const holder = document.createElement('div');
    const view = new vega.View(runtime, {
      expr: vegaInterpreter,
      renderer: 'svg',
      hover: false,
      logLevel: vega.Warn,
    });
    view.initialize(holder);
    return view.runAsync().then(function () {
      if (before) before.view.finalize();
      box.replaceChildren(holder);
      box.dataset.drawn = dark.matches && !printing ? 'dark' : 'light';
      views.set(box, { view: view, width: width });
    });
  }

  const boxes = Array.from(document.querySelectorAll('[data-chart]'));
  const drawAll = () => Promise.all(boxes.map(draw)).then(() => {
    document.documentElement.dataset.charts = 'drawn';
  });
  document.documentElement.dataset.charts = 'drawing';
  drawAll();
  dark.addEventListener('change', drawAll);
  window.addEventListener('beforeprint', () => { printing = true; drawAll(); });
  window.addEventListener('afterprint', () => { printing = false; drawAll(); });
  let waiting = 0;
  window.addEventListener('resize', () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      boxes.filter((box) => views.has(box) && views.get(box).width !== Math.floor(box.clientWidth))
        .forEach(draw);
    }, 120);
  });
})();
