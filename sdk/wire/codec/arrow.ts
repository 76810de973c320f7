import type * as Arrow from "apache-arrow";
import { registerCodec } from "./classes.ts";
import { Segments } from "./segments.ts";

/** What is needed of the package `apache-arrow`: whoever has a Table has it, and nobody else is made to. */
export type ArrowLibrary = Pick<typeof Arrow, "AsyncByteQueue" | "RecordBatchStreamWriter" | "Table" | "tableFromIPC">;

/**
 * Lets Arrow Tables cross processes as IPC streams. The columns' memory goes out as it is, and a decoded
 * Table is a window on what was read.
 */
export function registerArrow(library: ArrowLibrary): void {
  const { AsyncByteQueue, RecordBatchStreamWriter, Table, tableFromIPC } = library;

  /** Keeps what the writer gives, where its own queue would be joined, and so copied, in the end. */
  class Pieces extends AsyncByteQueue {
    readonly pieces: Uint8Array[] = [];

    override write(piece: ArrayBufferView): void {
      if (piece.byteLength > 0) this.pieces.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    }
  }

  registerCodec(Table as unknown as new () => Arrow.Table, {
    name: "apache-arrow.Table",
    encode(table) {
      const sink = new Pieces();
      const writer = new RecordBatchStreamWriter();
      writer.reset(sink, table.schema);
      for (const batch of table.batches) writer.write(batch);
      writer.finish();
      return new Segments(sink.pieces) as unknown;
    },
    decode: (bytes) => tableFromIPC(bytes as Uint8Array),
  });
}

/** Whether an object looks like a Table, of whatever copy of the package. */
export const isArrowTable = (value: object): boolean => "batches" in value && "schema" in value && "numRows" in value;
