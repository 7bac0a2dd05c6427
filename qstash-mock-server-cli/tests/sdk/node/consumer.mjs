// A consumer that keeps what it receives and answers as planned.

import http from "node:http";

// Only what hangs takes this long.
const PATIENCE_MS = 30_000;

export class Consumer {
  received = [];
  #plans = new Map();
  #waiting = new Set();

  static async start() {
    const consumer = new Consumer();
    consumer.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url: path, headers } = request;
      const body = Buffer.concat(chunks).toString();
      const plan = consumer.#plans.get(path) ?? [];
      const answer = (plan.length > 1 ? plan.shift() : plan[0]) ?? [200, {}, "fine"];
      consumer.received.push({ method, path, headers, body });
      for (const check of consumer.#waiting) check();
      response.writeHead(answer[0], answer[1]).end(answer[2]);
    });
    await new Promise((resolve) => consumer.server.listen(0, "127.0.0.1", resolve));
    consumer.server.unref();
    consumer.base = `http://127.0.0.1:${consumer.server.address().port}`;
    return consumer;
  }

  url(path) {
    return this.base + path;
  }

  // What requests to `path` are answered, in order; the last one for all that follow.
  plan(path, ...answers) {
    this.#plans.set(path, answers);
  }

  at(path) {
    return this.received.filter((it) => it.path === path);
  }

  // The first `count` requests to `path`, once they are there.
  wait(path, count = 1, patience = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.at(path);
        if (found.length < count) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found.slice(0, count));
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`${path}: ${this.at(path).length} of ${count} requests came`));
      }, patience);
      this.#waiting.add(check);
      check();
    });
  }
}
