/** How long each step of an answer took. Twin of fkd/inference/timing.py. */

import { rounded } from "../geometry/types.js";

/** Adds up the time of named steps. */
export class StepTimer {
  readonly #spent = new Map<string, number>();

  /** steps: those that are told even when they did not happen. */
  constructor(...steps: string[]) {
    for (const step of steps) this.#spent.set(step, 0);
  }

  /** What the work gives; its time counts for the step. */
  async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#spent.set(name, (this.#spent.get(name) ?? 0) + performance.now() - started);
    }
  }

  /** By step, rounded to a microsecond. */
  get milliseconds(): Record<string, number> {
    return Object.fromEntries([...this.#spent].map(([name, spent]) => [name, rounded(spent, 3)]));
  }
}
