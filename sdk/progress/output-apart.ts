/** A stream with its `write` in the place of which another one can be put. */
interface Written {
  readonly stream: NodeJS.WriteStream;
  readonly original: NodeJS.WriteStream["write"];
}

/**
 * Keeps what a script prints apart from what is drawn on the same terminal: before the script's own text the drawing is
 * taken away, and while it stands in the middle of a line nothing is drawn.
 */
export class OutputApart {
  /** The stream for what is drawn: what goes there is not the script's. */
  readonly own: NodeJS.WriteStream;
  /** The script has begun a line and not ended it. */
  isInLine = false;
  readonly #stream: NodeJS.WriteStream;
  #replaced: Written[] = [];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    const write = stream.write.bind(stream);
    // Everything but `write` is the stream's own: its size changes with the window.
    this.own = Object.create(stream, { write: { value: write } }) as NodeJS.WriteStream;
  }

  /** @param clear Takes the drawing away. */
  begin(clear: () => void): void {
    if (this.#replaced.length > 0) return;
    for (const stream of new Set([this.#stream, process.stdout, process.stderr])) {
      // What is on its way to a file or another program does not meet the drawing.
      if (stream !== this.#stream && !stream.isTTY) continue;
      const original = stream.write;
      this.#replaced.push({ stream, original });
      stream.write = ((...args: unknown[]): boolean => {
        clear();
        this.#note(args[0]);
        return Reflect.apply(original, stream, args) as boolean;
      }) as typeof stream.write;
    }
  }

  #note(piece: unknown): void {
    if (typeof piece === "string" && piece !== "") this.isInLine = !piece.endsWith("\n");
    else if (piece instanceof Uint8Array && piece.length > 0) this.isInLine = piece.at(-1) !== 10;
  }

  end(): void {
    for (const { stream, original } of this.#replaced) stream.write = original;
    this.#replaced = [];
  }
}
