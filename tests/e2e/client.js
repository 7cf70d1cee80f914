// Talk to an echo server with Node's ws, and print as JSON what came back.
//
// node client.js URL on|off      talk, with permessage-deflate offered or not
// node client.js URL off FAULTS  send raw frames that break the protocol: a JSON object of
//                                hexadecimal by name, each on a connection of its own
//
// talk() and provoke() in test_echo.py are the twins of these: they do and report the same.

"use strict";

const { createHash } = require("node:crypto");
const { once } = require("node:events");
const WebSocket = require("ws");

const [url, deflate, faults] = process.argv.slice(2);
const SIZES = [0, 1, 125, 126, 65535, 65536, 10_000_000];
const SCRIPT = "aé€😀"; // code points of 1, 2, 3 and 4 bytes: 10 in all
let sent = 0; // frames

function binary(size) {
  const pattern = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7 + 3) & 0xff));
  return Buffer.alloc(size, pattern);
}

function text(size) {
  return SCRIPT.repeat(Math.floor(size / 10)) + "x".repeat(size % 10);
}

function digest(data, isBinary) {
  const hash = createHash("sha256").update(data).digest("hex");
  return [isBinary ? "binary" : "text", data.length, hash];
}

async function connect() {
  const ws = new WebSocket(url, { perMessageDeflate: deflate === "on" });
  await once(ws, "open");
  return ws;
}

function send(ws, data, options) {
  sent += 1;
  ws.send(data, options);
}

async function echo(ws, data) {
  const answer = once(ws, "message");
  send(ws, data);
  return digest(...(await answer));
}

// Three fragments, cut inside a code point, and a ping between them.
async function fragments(ws, data, isBinary) {
  const answer = once(ws, "message");
  const pong = once(ws, "pong");
  const options = { binary: isBinary, compress: true };
  send(ws, data.subarray(0, 6), { ...options, fin: false });
  send(ws, data.subarray(6, 6), { ...options, fin: false });
  sent += 1;
  ws.ping("between");
  send(ws, data.subarray(6), { ...options, fin: true });
  return [...digest(...(await answer)), (await pong)[0].toString()];
}

async function ping(ws, payload) {
  const pong = once(ws, "pong");
  sent += 1;
  ws.ping(payload);
  return (await pong)[0].toString();
}

async function close(ws, ...how) {
  const closed = once(ws, "close");
  sent += 1;
  ws.close(...how);
  const [code, reason] = await closed;
  return [code, reason.toString()];
}

async function provoke(hex) {
  const ws = await connect();
  ws.on("error", () => {});
  const closed = once(ws, "close");
  ws._socket.write(Buffer.from(hex, "hex"));
  const [code, reason] = await closed;
  return [code, reason.toString()];
}

async function talk() {
  const ws = await connect();
  const report = { text: [], binary: [] };
  for (const size of SIZES) {
    report.text.push(await echo(ws, text(size)));
    report.binary.push(await echo(ws, binary(size)));
  }
  report.fragments = [
    await fragments(ws, Buffer.from(text(100_000)), false),
    await fragments(ws, binary(100_000), true),
  ];
  report.pings = [await ping(ws, ""), await ping(ws, "p".repeat(125))];
  report.deflate = ws.extensions.startsWith("permessage-deflate");
  report.closes = [await close(ws, 3001, "genug für heute"), await close(await connect())];
  report.sent = sent;
  return report;
}

async function main() {
  if (!faults) return talk();
  const report = {};
  for (const [name, hex] of Object.entries(JSON.parse(faults))) report[name] = await provoke(hex);
  return report;
}

main().then((report) => console.log(JSON.stringify(report)));
