import "uplot/dist/uPlot.min.css";
import "./page.css";
import { render } from "preact";
import type { ToldRun } from "../model/told-run.ts";
import { App } from "./app.tsx";
import { ReportPage } from "./run-page.tsx";

const root = document.getElementById("page");
// A report has its run in it.
const told = document.getElementById("told-run");
if (root) render(told ? <ReportPage told={JSON.parse(told.textContent ?? "") as ToldRun} /> : <App />, root);
