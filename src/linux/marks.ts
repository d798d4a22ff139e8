/** Output with marks in it: what stands between two NUL bytes is not output but the status of a command. */

const NUL = 0;

export class MarkSplitter {
  readonly #output: (data: Uint8Array) => void;
  #onMark: (text: string) => void = () => undefined;
  #text = '';
  #inMark = false;

  constructor(output: (data: Uint8Array) => void) {
    this.#output = output;
  }

  /** Call `done` with the text of the next mark. */
  next(done: (text: string) => void): void {
    this.#onMark = done;
  }

  take(data: Uint8Array): void {
    let from = 0;
    for (let at = 0; at <= data.length; at++) {
      if (at < data.length && data[at] !== NUL) continue;
      const part = data.subarray(from, at);
      if (this.#inMark) this.#text += new TextDecoder().decode(part);
      else if (part.length > 0) this.#output(part);
      if (at === data.length) break;
      from = at + 1;
      if (this.#inMark) {
        const text = this.#text;
        this.#text = '';
        this.#onMark(text);
      }
      this.#inMark = !this.#inMark;
    }
  }
}
