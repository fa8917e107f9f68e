// What the npm package does with a server whose models can do all; its address is the argument.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "What is 17 * 6?" }];
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
    },
  },
};

const { data: whole, response } = await client.chat.completions
  .create({ model: "mux", messages, temperature: 0 })
  .withResponse();
assert.match(whole.choices[0].message.content, /102/);
assert.equal(whole.mux.answer, "102");
assert.equal(response.headers.get("x-mux-answer-confidence"), "1.0000");

const stream = await client.chat.completions.create({
  model: "mux",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
let text = "";
let last;
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta.content ?? "";
  last = chunk;
}
assert.match(text, /102/);
assert.ok(last.usage.completion_tokens > 0);

const helper = client.chat.completions.stream({ model: "mux", messages, tools: [weather] });
const called = await helper.finalChatCompletion();
const [call] = called.choices[0].message.tool_calls;
assert.equal(called.choices[0].finish_reason, "tool_calls");
assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", days: 2 });

const runner = client.chat.completions.runTools({
  model: "mux",
  messages,
  tools: [
    {
      type: "function",
      function: {
        ...weather.function,
        function: ({ city, days }) => `rain in ${city} for ${days} days`,
        parse: JSON.parse,
      },
    },
  ],
});
assert.equal(await runner.finalContent(), "The tool says: rain in Paris for 2 days");

const schema = {
  type: "object",
  properties: { name: { type: "string" }, born: { type: "integer" } },
  required: ["name", "born"],
  additionalProperties: false,
};
const parsed = await client.chat.completions.parse({
  model: "mux",
  messages,
  response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
});
assert.equal(JSON.parse(parsed.choices[0].message.content).born, 1815);

const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.ok(names.includes("mux") && names.includes("a"));
assert.equal((await client.models.retrieve("mux+single:number")).id, "mux+single:number");

await assert.rejects(client.chat.completions.create({ model: "mux@nowhere", messages }), (error) => {
  assert.ok(error instanceof OpenAI.NotFoundError);
  return error.code === "model_not_found";
});
await assert.rejects(client.responses.create({ model: "mux", input: "?" }), OpenAI.NotFoundError);
console.log("all is well");
