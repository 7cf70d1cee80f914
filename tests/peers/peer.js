// Node's ws as a counterpart: a server, and a client that goes through all of PLAN.
//
// node peer.js serve MODE       listens, prints its address, serves until it is stopped
// node peer.js talk URL MODE    talks to a server, prints a report as JSON; the plan is its input
//
// MODE is off, takeover or no_takeover. README.md has what servers and clients do; peer.go is the
// same in Go, scenario.py in Python.

"use strict";

const { createHash } = require("node:crypto");
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const { WebSocket, WebSocketServer } = require("ws");

const [role, ...words] = process.argv.slice(2);
const LIMIT = 1 << 20;
const COMPRESSION = {
  off: false,
  takeover: { threshold: 0 },
  no_takeover: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
};

// --- What is sent --------------------------------------------------------------------------------

function text(size) {
  return "aé€😀".repeat(Math.floor(size / 10)) + "x".repeat(size % 10);
}

function binary(size) {
  return Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7 + 3) & 0xff)));
}

function digest(data, isBinary) {
  const hash = createHash("sha256").update(data).digest("hex");
  return [isBinary ? "binary" : "text", data.length, hash];
}

// Three fragments, the first cut inside a code point, and a ping between them if there is one.
function sendFragments(ws, data, isBinary, ping) {
  const options = { binary: isBinary, compress: true };
  ws.send(data.subarray(0, 6), { ...options, fin: false });
  ws.send(data.subarray(6, 6), { ...options, fin: false });
  if (ping) ws.ping(ping);
  ws.send(data.subarray(6), { ...options, fin: true });
}

// --- The server ----------------------------------------------------------------------------------

const ended = []; // of each connection, by its number

async function obey(ws, number, [command, ...rest]) {
  if (command === "who") ws.send(`${number}`);
  else if (command === "ended") ws.send(ended[Number(rest[0])] ?? "open");
  else if (command === "close") ws.close(Number(rest[0]), rest.slice(1).join(" "));
  else if (command === "fragments") sendFragments(ws, Buffer.from(text(Number(rest[0]))), false);
  else if (command === "binary") ws.send(binary(Number(rest[0])));
  else if (command === "ping") {
    const pong = once(ws, "pong");
    ws.ping(rest[0]);
    ws.send(`pong ${(await pong)[0]}`);
  } else return false;
  return true;
}

function serve(mode) {
  const settings = { host: "127.0.0.1", port: 0, maxPayload: LIMIT };
  const server = new WebSocketServer({ ...settings, perMessageDeflate: COMPRESSION[mode] });
  server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}`));
  server.on("connection", (ws) => {
    const number = ended.push(undefined) - 1;
    ws.on("error", () => {}); // "close" follows
    ws.on("close", (code, reason) => (ended[number] = `${code} ${reason}`));
    ws.on("message", async (data, isBinary) => {
      const isCommand = !isBinary && data.length < 200;
      if (isCommand && (await obey(ws, number, data.toString().split(" ")))) return;
      ws.send(data, { binary: isBinary });
    });
  });
}

// --- The client ----------------------------------------------------------------------------------

async function connect(url, mode) {
  const ws = new WebSocket(url, { perMessageDeflate: COMPRESSION[mode], maxPayload: LIMIT });
  ws.pings = 0;
  ws.on("upgrade", ({ headers }) => (ws.agreed = headers["sec-websocket-extensions"] ?? ""));
  ws.on("ping", () => (ws.pings += 1));
  ws.on("error", () => {}); // "close" follows
  await once(ws, "open");
  return ws;
}

async function ask(ws, ...message) {
  const answer = once(ws, "message");
  ws.send(...message);
  return answer;
}

async function end(ws, act) {
  const closed = new Promise((resolve) => ws.on("close", (...how) => resolve(how)));
  act();
  const [code, reason] = await closed;
  return [code, reason.toString()];
}

async function who(ws) {
  return Number((await ask(ws, "who"))[0].toString());
}

async function messages(url, mode, plan) {
  const ws = await connect(url, mode);
  const report = { extensions: ws.agreed, text: [], binary: [] };
  for (const size of plan.sizes) {
    report.text.push(digest(...(await ask(ws, text(size)))));
    report.binary.push(digest(...(await ask(ws, binary(size)))));
  }
  const [answer, pong] = [once(ws, "message"), once(ws, "pong")];
  sendFragments(ws, Buffer.from(text(plan.fragmented)), false, "between");
  report.pong = (await pong)[0].toString();
  report.fragments = digest(...(await answer));
  report.theirFragments = digest(...(await ask(ws, `fragments ${plan.fragmented}`)));
  report.theirPing = (await ask(ws, "ping there"))[0].toString();
  report.pings = ws.pings;
  await end(ws, () => ws.close(1000));
  return report;
}

async function closes(url, mode, codes) {
  const report = { closes: [], theirCloses: [] };
  for (const code of codes) {
    let ws = await connect(url, mode);
    report.closes.push([await who(ws), ...(await end(ws, () => ws.close(code, "enough")))]);
    ws = await connect(url, mode);
    report.theirCloses.push(await end(ws, () => ws.send(`close ${code} enough`)));
  }
  return report;
}

async function limits(url, mode) {
  let ws = await connect(url, mode);
  // In one frame, its end might not be through when the server hangs up.
  const tooBigForThem = await end(ws, () => {
    ws.send(binary(LIMIT), { fin: false });
    ws.send(Buffer.alloc(1), { fin: true });
  });
  ws = await connect(url, mode);
  const tooBigForUs = await who(ws);
  await end(ws, () => ws.send(`binary ${LIMIT + 1}`));
  return { tooBigForThem, tooBigForUs };
}

async function talk(url, mode) {
  const plan = JSON.parse(readFileSync(0));
  return {
    ...(await messages(url, mode, plan)),
    ...(await closes(url, mode, plan.codes)),
    ...(await limits(url, mode)),
  };
}

if (role === "serve") serve(...words);
else talk(...words).then((report) => console.log(JSON.stringify(report)));
