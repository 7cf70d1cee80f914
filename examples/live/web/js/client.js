// The page's side of the protocol: channels that are subscribed to again after each reconnection,
// round-trip times, and the chart's points.

import { ReconnectingSocket } from "./socket.js";

const PING_EVERY = 2_000; // milliseconds
const SILENCE = 10_000; // without a pong for so long, the connection is taken for dead
const MOST_UNSENT = 64 * 1024; // bytes in bufferedAmount, beyond which nothing is added

/**
 * Events: those of the socket, "answer" for each message of the server ({type, ...}), "point" for
 * one of the chart's (a Float32Array), "round-trip" ({milliseconds}).
 */
export class Client extends EventTarget {
  channels = new Set();
  #name;
  #pong = 0;

  constructor(name) {
    super();
    this.#name = name;
    this.socket = new ReconnectingSocket(() => this.#address());
    for (const type of ["state", "lost", "end"]) {
      this.socket.addEventListener(type, ({ detail }) => this.#tell(type, detail));
    }
    this.socket.addEventListener("message", ({ detail }) => this.#take(detail.data));
    setInterval(() => this.#ping(), PING_EVERY);
  }

  /** The endpoint's address with a token that was made a moment ago. */
  async #address() {
    const response = await fetch("token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: this.#name }),
    });
    if (!response.ok) throw new Error(`no token: HTTP ${response.status}`);
    const { token } = await response.json();
    const address = new URL("ws", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ token });
    return address.href;
  }

  subscribe(channel) {
    this.channels.add(channel);
    this.#send({ type: "subscribe", channel });
  }

  unsubscribe(channel) {
    this.channels.delete(channel);
    this.#send({ type: "unsubscribe", channel });
  }

  /** Publish; says why where that is not possible now. */
  publish(channel, text) {
    if (this.socket.bufferedAmount > MOST_UNSENT) return "The network does not keep up.";
    return this.#send({ type: "publish", channel, text }) ? "" : "There is no connection.";
  }

  #send(message) {
    return this.socket.send(JSON.stringify(message));
  }

  #ping() {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    if (now - this.#pong > SILENCE) {
      this.socket.drop();
    } else if (this.socket.bufferedAmount <= MOST_UNSENT) {
      this.#send({ type: "ping", sent: now });
    }
  }

  #take(data) {
    if (data instanceof ArrayBuffer) {
      this.#tell("point", new Float32Array(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "welcome") {
      this.#pong = performance.now();
      for (const channel of this.channels) this.#send({ type: "subscribe", channel });
      this.#ping();
    } else if (message.type === "pong") {
      this.#pong = performance.now();
      this.#tell("round-trip", { milliseconds: this.#pong - message.sent });
    }
    this.#tell("answer", message);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
