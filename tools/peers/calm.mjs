// Whether the core is at its full speed: other programs on the same core, even of another virtual machine, take turns at
// its computing units, and only the speed of these shows it.

// A unit is free while its figure (benchmarks/core_probe.h) is at most this many times the least that was ever seen.
// Tiles are allowed more: the clock goes down while they multiply, but another program that does makes them several
// times as slow.
const kTolerance = { vectors: 1.25, tiles: 2 };
// Pause before the next probe where the core is not free.
export const kWaitMs = 5;

export class Calm {
  #probe;
  #least = {};

  // `probe` is a running `peer_server probe`, pinned to the core.
  constructor(probe) {
    this.#probe = probe;
  }

  // The units right now, for isFree.
  async look() {
    const { units } = await this.#probe.probe();
    for (const [unit, value] of Object.entries(units)) {
      this.#least[unit] = Math.min(value, this.#least[unit] ?? Infinity);
    }
    return units;
  }

  // Judged by all that was seen up to now, so that what passed for free in the beginning need not later.
  isFree(units) {
    return Object.entries(units).every(([unit, value]) => value <= kTolerance[unit] * this.#least[unit]);
  }

  async stop() {
    await this.#probe.stop();
  }
}
