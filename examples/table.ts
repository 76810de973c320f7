/** A column of a table in the terminal. */
export interface Column {
  readonly title: string;
  /** Numbers stand best at the right. Default left. */
  readonly align?: "left" | "right";
}

/** Lines of a table: titles, a rule, the rows. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => row[index].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) =>
        columns[index].align === "right" ? cell.padStart(widths[index]) : cell.padEnd(widths[index]),
      )
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
    .map((text) => `  ${text}`)
    .join("\n");
}
