// One side of a comparison: a process of its own that keeps a network ready. It says what loading took once the first
// inference is done, then answers one line per command:
//   run K          one untimed and K timed inferences     -> {"times_ms": [...], "cpu_share": time on cores / elapsed}
//   outputs FILE   the last outputs, float32, by name     -> {"outputs": [{"name", "shape"}]}
// A side that cannot do what is asked says {"refused": "why"} and ends.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Refused extends Error {}

export class Side {
  // Starts `command` on these cores and waits for its first inference.
  static async start(command, cores, environment = {}) {
    const side = new Side(command, cores, environment);
    side.started = await side.#reply();
    return side;
  }

  constructor(command, cores, environment) {
    this.process = spawn('taskset', ['-c', cores, ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.errors = '';
    this.process.stderr.on('data', (text) => { this.errors += text; });
    this.process.stdin.on('error', () => {}); // the exit code says more
    this.closed = new Promise((resolve) => { this.process.on('close', resolve); });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async #reply() {
    const { value, done } = await this.lines.next();
    if (done) {
      const code = await this.closed;
      throw new Error(`${this.process.spawnargs.slice(3).join(' ')}: ended with ${code}\n${this.errors}`);
    }
    const reply = JSON.parse(value);
    if (reply.refused) throw new Refused(reply.refused);
    return reply;
  }

  async #ask(line) {
    this.process.stdin.write(`${line}\n`);
    return this.#reply();
  }

  async run(count) {
    return this.#ask(`run ${count}`);
  }

  async outputs(file) {
    return (await this.#ask(`outputs ${file}`)).outputs;
  }

  // Of `peer_server probe`.
  async probe() {
    return this.#ask('probe');
  }

  async stop() {
    this.process.stdin.end();
    await this.closed;
  }
}
