/** A file that a document shows: a code block with a name behind its language. */
export interface ShownFile {
  readonly name: string;
  readonly text: string;
}

/** A command that a document shows, with what it prints. */
export interface ShownCommand {
  readonly command: string;
  readonly output: string;
}

const BLOCK = /^```(\w+)(?: ([^\n]+))?\n([\s\S]*?)^```$/gm;
/** The language of blocks with commands. */
const CONSOLE = "console";
const PROMPT = "$ ";

/** The files of a document. */
export const shownFiles = (document: string): ShownFile[] =>
  [...document.matchAll(BLOCK)].flatMap(([, , name, text]) => (name === undefined ? [] : { name, text }));

/** The commands of a document, each block of which holds one. */
export const shownCommands = (document: string): ShownCommand[] =>
  [...document.matchAll(BLOCK)].flatMap(([, language, , text]) => {
    if (language !== CONSOLE || !text.startsWith(PROMPT)) return [];
    const [line, ...output] = text.split("\n");
    return { command: line.slice(PROMPT.length), output: output.join("\n") };
  });

/** The document with other outputs: one for each of its commands, in their order. */
export function withOutputs(document: string, outputs: readonly string[]): string {
  const rest = [...outputs];
  return document.replaceAll(BLOCK, (block, language: string, _name, text: string) => {
    if (language !== CONSOLE || !text.startsWith(PROMPT)) return block;
    const [line] = text.split("\n");
    return `\`\`\`${CONSOLE}\n${line}\n${rest.shift()?.trimEnd()}\n\`\`\``;
  });
}
