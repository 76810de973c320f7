import { createRequire } from "node:module";
import { markAsUntransferable } from "node:worker_threads";

/*
 * Files mapped into memory, privately: the pages are those of the disk cache, shared by all processes of the machine,
 * until somebody writes to one and gets a copy of it. The system's own mmap is called through koffi, since Node has none.
 */
const PROT_READ = 1;
const PROT_WRITE = 2;
/** The same on Linux and macOS. */
const MAP_PRIVATE = 2;
const MAP_FAILED = 2n ** 64n - 1n;

interface SystemCalls {
  readonly mmap: (at: null, bytes: number, protection: number, flags: number, file: number, offset: number) => bigint;
  readonly munmap: (at: bigint, bytes: number) => number;
  readonly view: (at: bigint, bytes: number) => ArrayBuffer;
}

/** Undefined where there is no mmap, or not the means to call it: then files are read. */
let calls: SystemCalls | undefined | "unknown" = "unknown";

function systemCalls(): SystemCalls | undefined {
  if (calls !== "unknown") return calls;
  const isKnown = ["linux", "darwin"].includes(process.platform) && ["x64", "arm64"].includes(process.arch);
  calls = isKnown ? loadCalls() : undefined;
  return calls;
}

function loadCalls(): SystemCalls | undefined {
  try {
    // Not imported: most processes never load anything large.
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const system = koffi.load(null);
    return {
      mmap: system.func("void *mmap(void *at, size_t bytes, int protection, int flags, int file, int64_t offset)"),
      munmap: system.func("int munmap(void *at, size_t bytes)"),
      view: koffi.view,
    };
  } catch {
    return undefined;
  }
}

interface Mapping {
  readonly at: bigint;
  readonly bytes: number;
}

/** Unmaps what no object refers to any more. */
const forgotten = new FinalizationRegistry<Mapping>(({ at, bytes }) => systemCalls()?.munmap(at, bytes));

/**
 * The content of a file that nobody will cut short, without reading it. What is written to it stays in this process.
 *
 * @param file Its descriptor, which can be closed afterwards.
 * @returns Undefined where it cannot be mapped.
 */
export function mapFile(file: number, bytes: number): Uint8Array | undefined {
  const system = systemCalls();
  if (!system || bytes === 0) return undefined;
  const at = system.mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  // A process may have so many mappings, and not more.
  if (at === MAP_FAILED) return undefined;
  const memory = system.view(at, bytes);
  forgotten.register(memory, { at, bytes });
  keepHere(memory);
  return new Uint8Array(memory);
}

/** Memory that went over to another object would be unmapped below it: what would transfer it copies it. */
function keepHere(memory: ArrayBuffer): void {
  markAsUntransferable(memory);
  for (const method of ["transfer", "transferToFixedLength"]) {
    Object.defineProperty(memory, method, {
      value: (bytes = memory.byteLength) => {
        const copy = new ArrayBuffer(bytes);
        new Uint8Array(copy).set(new Uint8Array(memory, 0, Math.min(bytes, memory.byteLength)));
        return copy;
      },
    });
  }
}
