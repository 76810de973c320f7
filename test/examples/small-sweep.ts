import type { Ended } from "./run-example.ts";

/** As small as it may be: what is looked at is the sweep, not the model. */
export const SMALL = ["--quick", "--digits", "200", "--out", "out"];

/** What it printed, without what no two runs need have in common: times, and where tasks ran. */
export const results = ({ stdout }: Ended) =>
  stdout
    .slice(0, stdout.indexOf("Chart:"))
    .replace(/ +training \(ms\)$| +[\d.]+$/gm, "")
    .replace(/-+$/gm, "");
