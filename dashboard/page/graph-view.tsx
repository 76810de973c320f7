import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type GraphNode, graphOf } from "../model/graph.ts";
import { type RunModel, TASK_STATUSES } from "../model/run-model.ts";
import { count } from "./format.ts";
import { edgeKey, type Frame, fittingIn, layoutWithin, NODE_HEIGHT, NODE_WIDTH, shapeOf } from "./layout.ts";

interface GraphViewProps {
  readonly model: RunModel;
  readonly version: number;
  readonly selected: number | undefined;
  readonly type: string | undefined;
  readonly onTask: (position: number) => void;
  readonly onType: (name: string) => void;
}

/** Smaller than so nothing can be read. */
const MIN_FITTING = 0.45;

/** The DAG with its states: tasks, or types of tasks where these are many. */
export function GraphView({ model, version, selected, type, onTask, onType }: GraphViewProps) {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const canvas = useRef<HTMLElement>(null);
  const [frame, setFrame] = useState<Frame>();
  /** Undefined: as large as it fits. */
  const [chosen, setChosen] = useState<number>();
  const graph = useMemo(() => graphOf(model, expanded), [model, version, expanded]);
  const shape = shapeOf(graph);
  const layout = useMemo(() => layoutWithin(frame, graph), [shape, frame]);
  const zoom = chosen ?? (frame ? Math.max(MIN_FITTING, fittingIn(frame, layout)) : 1);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setFrame({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const toggle = (name: string) => {
    const next = new Set(expanded);
    if (!next.delete(name)) next.add(name);
    setExpanded(next);
  };
  return (
    <>
      <div class="tools">
        <button type="button" aria-label="Smaller" onClick={() => setChosen(Math.max(0.25, zoom / 1.25))}>
          −
        </button>
        <button type="button" aria-label="Larger" onClick={() => setChosen(Math.min(2, zoom * 1.25))}>
          +
        </button>
        <button type="button" onClick={() => setChosen(undefined)}>
          fit
        </button>
        {[...expanded].map((name) => (
          <button key={name} type="button" onClick={() => toggle(name)}>
            fold {name}
          </button>
        ))}
      </div>
      <section ref={canvas} class="canvas" tabIndex={0} aria-label="Tasks and what they depend on">
        <svg
          width={layout.width * zoom}
          height={layout.height * zoom}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          role="group"
          aria-label="Graph"
        >
          <g aria-hidden="true">
            {graph.edges.map((edge) => (
              <path key={edgeKey(edge)} class="edge" d={pathOf(layout.edges.get(edgeKey(edge)) ?? [])} />
            ))}
          </g>
          {graph.nodes.map((node) => {
            const place = layout.nodes.get(node.id);
            if (!place) return null;
            const { task } = node;
            return (
              <NodeBox
                key={node.id}
                node={node}
                x={place.x}
                y={place.y}
                isSelected={task === undefined ? type === node.name : task === selected}
                onOpen={() => (task === undefined ? onType(node.name) : onTask(task))}
                onExpand={task === undefined && !expanded.has(node.name) ? () => toggle(node.name) : undefined}
              />
            );
          })}
        </svg>
      </section>
    </>
  );
}

interface NodeBoxProps {
  readonly node: GraphNode;
  readonly x: number;
  readonly y: number;
  readonly isSelected: boolean;
  readonly onOpen: () => void;
  readonly onExpand: (() => void) | undefined;
}

function NodeBox({ node, x, y, isSelected, onOpen, onExpand }: NodeBoxProps) {
  const { name, label, counts, total, task, isRecursive } = node;
  const present = TASK_STATUSES.filter((status) => counts[status] > 0);
  const states = present.map((status) => (total > 1 ? `${count(counts[status])} ${status}` : status)).join(", ");
  const tasks = `${count(total)} task${total === 1 ? "" : "s"}`;
  const title = task === undefined ? `${name}: ${tasks}, ${states}` : `${name}(${label}): ${states}`;
  const second = task === undefined ? `${tasks}${isRecursive ? ", some of others of them" : ""}` : label;
  // What is read out is what is seen, and more.
  const [shownName, shownSecond] = [clip(name, 22), clip(second, 26)];
  const status = present[0] ?? "pending";
  let left = 0;
  const onKey = (act: () => void) => (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  };
  return (
    <g transform={`translate(${x - NODE_WIDTH / 2} ${y - NODE_HEIGHT / 2})`}>
      <g
        class={`node is-${status}${isSelected ? " selected" : ""}`}
        role="button"
        tabindex={0}
        aria-label={`${shownName} ${shownSecond}: ${states}`}
        aria-pressed={isSelected}
        onClick={onOpen}
        onKeyDown={onKey(onOpen)}
      >
        <title>{title}</title>
        <rect class="box" width={NODE_WIDTH} height={NODE_HEIGHT} rx="5" />
        <text x="10" y="17">
          {shownName}
        </text>{" "}
        <text x="10" y="32" class="second">
          {shownSecond}
        </text>
        {(["done", "cached", "failed", "cancelled", "running"] as const).map((each) => {
          const width = ((NODE_WIDTH - 2) * counts[each]) / Math.max(1, total);
          const bar = (
            <rect key={each} class={`part is-${each}`} x={1 + left} y={NODE_HEIGHT - 6} width={width} height="5" />
          );
          left += width;
          return width > 0 ? bar : null;
        })}
      </g>
      {onExpand && (
        <g
          class="expand"
          role="button"
          tabindex={0}
          aria-label={`Show the tasks of ${name}`}
          onClick={onExpand}
          onKeyDown={onKey(onExpand)}
        >
          <rect x={NODE_WIDTH - 26} y="4" width="22" height="22" rx="4" />
          <text x={NODE_WIDTH - 15} y="20" text-anchor="middle" aria-hidden="true">
            +
          </text>
        </g>
      )}
    </g>
  );
}

const clip = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const pathOf = (points: readonly { readonly x: number; readonly y: number }[]) =>
  points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
