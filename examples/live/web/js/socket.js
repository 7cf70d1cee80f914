// A WebSocket that comes back: after exponentially longer waits, with jitter, until it is closed
// by us. It knows nothing of what the messages mean.

/** What close codes mean: RFC 6455 7.4.1 and IANA's registry. */
export const CLOSE_CODES = {
  1000: "normal closure",
  1001: "going away",
  1002: "protocol error",
  1003: "unsupported data",
  1005: "no code given",
  1006: "lost without a close frame",
  1007: "invalid data",
  1008: "policy violation",
  1009: "message too big",
  1010: "extension missing",
  1011: "internal error",
  1012: "service restart",
  1013: "try again later",
  1014: "bad gateway",
  1015: "TLS handshake failed",
};

export const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

const FIRST_WAIT = 500; // milliseconds
const LONGEST_WAIT = 20_000;
const STABLE = 5_000; // so long open, and the next failure is counted as the first again

/** The wait before the n-th try, from 0: a random part of 0.5, 1, 2, 4 ... 20 seconds. */
export function waitBefore(tries, random = Math.random) {
  const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries);
  return most / 2 + (random() * most) / 2;
}

/**
 * Events: "state" when readyState changes, "open", "message" ({data}), "lost" ({code, reason, wait})
 * where another try follows, "end" ({code, reason}) where none does.
 */
export class ReconnectingSocket extends EventTarget {
  #address;
  #socket = null;
  #tries = 0;
  #openSince = 0;
  #timer = 0;
  #ended = false;

  /** @param {() => Promise<string>} address gives the address anew for each try */
  constructor(address) {
    super();
    this.#address = address;
    addEventListener("online", () => this.#now());
    this.#connect();
  }

  get readyState() {
    return this.#socket?.readyState ?? (this.#ended ? WebSocket.CLOSED : WebSocket.CONNECTING);
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Send, where that is possible now; nothing is kept for later, so that nothing goes out stale. */
  send(data) {
    if (this.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  close(code = 1000, reason = "") {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket?.close(code, reason);
    this.#tell("state");
  }

  /** Take the connection for dead, without a wait for the closing handshake, and try again. */
  drop() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#lost(1006, "nothing was heard of the server");
  }

  /** Try at once instead of waiting any longer. */
  #now() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  async #connect() {
    this.#timer = 0;
    this.#tell("state");
    let address;
    try {
      address = await this.#address();
    } catch (error) {
      this.#lost(1006, error.message);
      return;
    }
    if (this.#ended) return;
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#openSince = performance.now();
      this.#tell("state");
      this.#tell("open");
    };
    socket.onmessage = ({ data }) => this.#tell("message", { data });
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#socket = socket;
    this.#tell("state");
  }

  #lost(code, reason) {
    this.#socket = null;
    if (this.#openSince && performance.now() - this.#openSince > STABLE) this.#tries = 0;
    this.#openSince = 0;
    if (this.#ended) {
      this.#tell("end", { code, reason });
    } else {
      const wait = waitBefore(this.#tries++);
      this.#timer = setTimeout(() => this.#connect(), wait);
      this.#tell("lost", { code, reason, wait });
    }
    this.#tell("state");
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
