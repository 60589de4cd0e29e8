/** Lets asynchronous actions run one after another, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<T>(action: () => Promise<T> | T): Promise<T> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
