// The live view: the form is sent here, and what comes back replaces parts of the page.
// Without this script the form is an ordinary one, and its reply a page.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const send = document.getElementById("send");
  const stop = document.getElementById("stop");
  const say = document.getElementById("say");
  const LOST = "The connection to the server was lost. Ask again.";
  let running = null;

  function text(tag, words) {
    const made = document.createElement(tag);
    made.textContent = words;
    return made;
  }

  // The server escapes every text; these are its own templates.
  function replace(id, html) {
    const old = document.getElementById(id);
    if (!old) return;
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const open = old.querySelector("details[open]");
    if (open && old.classList.contains("draw")) {
      holder.content.querySelector("details")?.setAttribute("open", "");
    }
    old.replaceWith(holder.content);
  }

  function clear() {
    const empty = document.createElement("div");
    empty.id = "verdict";
    document.getElementById("result").replaceChildren(empty);
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
  }

  function tell(heading, words) {
    const box = document.createElement("div");
    box.id = "verdict";
    box.className = "failure";
    const title = text("h2", heading);
    title.id = "answer";
    title.tabIndex = -1;
    box.append(title, text("p", words));
    document.getElementById("verdict").replaceWith(box);
    document.getElementById("progress")?.remove();
  }

  // Who waits at the button is led to the answer; who reads elsewhere is left there.
  function lead(field) {
    const at = document.activeElement;
    const waits = at === send || at === stop || at === document.body || at === null;
    const wrong = field && document.getElementById(field);
    if (wrong) {
      wrong.setAttribute("aria-invalid", "true");
      wrong.setAttribute("aria-describedby", "answer");
      const around = wrong.closest("details");
      if (around) around.open = true;
    }
    if (waits) (wrong || document.getElementById("answer"))?.focus();
  }

  function take(changes) {
    for (const [id, html] of Object.entries(changes.set)) replace(id, html);
    if (changes.say) say.textContent = changes.say;
    if (changes.done) lead(changes.field);
    return Boolean(changes.done);
  }

  async function follow(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let left = "";
    let done = false;
    for (;;) {
      const { value, done: over } = await reader.read();
      if (over) return done;
      left += decoder.decode(value, { stream: true });
      const events = left.split("\n\n");
      left = events.pop();
      for (const event of events) {
        if (event.startsWith("data: ")) done = take(JSON.parse(event.slice(6))) || done;
      }
    }
  }

  async function ask() {
    const fields = new URLSearchParams(new FormData(form));
    const asked = new AbortController();
    running = asked;
    busy(true);
    clear();
    say.textContent = "Asked.";
    try {
      const reply = await fetch(form.dataset.live, {
        method: "POST",
        body: fields,
        signal: asked.signal,
        cache: "no-store",
      });
      const type = reply.headers.get("Content-Type") || "";
      if (type.startsWith("text/event-stream")) {
        if (!(await follow(reply.body))) throw new TypeError(LOST);
      } else {
        const told = await reply.json();
        if (told.set) take(told);
        else tell("No answer", told.error?.message || LOST);
      }
    } catch (error) {
      if (asked.signal.aborted) {
        tell("Stopped", "You stopped this question. Nothing more is asked of the models.");
        say.textContent = "Stopped.";
      } else {
        tell("No answer", LOST);
      }
      lead();
    } finally {
      running = null;
      busy(false);
    }
  }

  function busy(yes) {
    const moved = document.activeElement === (yes ? send : stop);
    send.hidden = yes;
    stop.hidden = !yes;
    if (moved) (yes ? stop : send).focus({ preventScroll: true });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) ask();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  stop.addEventListener("click", () => running?.abort());
  window.addEventListener("pagehide", () => running?.abort());
})();
