import { Graph as DagreGraph, layout } from "@dagrejs/dagre";
import type { Graph } from "../model/graph.ts";

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 44;

/** Where boxes and arrows go, in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Middle of each box. */
  readonly nodes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly edges: ReadonlyMap<string, readonly { readonly x: number; readonly y: number }[]>;
}

export const edgeKey = ({ from, to }: { readonly from: string; readonly to: string }) => `${from}\n${to}`;

/** What of a graph the layout depends on: states change it not. */
export const shapeOf = ({ nodes, edges }: Graph): string =>
  [...nodes.map(({ id }) => id), ...edges.map(edgeKey)].join("\n\n");

/** Where a graph is shown, in pixels. */
export interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Boxes that are laid out twice at most: more take long, and fit neither way. */
const FEW = 60;
const MARGINS = { marginx: 12, marginy: 12 };
const ACROSS = { rankdir: "LR", nodesep: 10, ranksep: 48, ...MARGINS };
const DOWN = { rankdir: "TB", nodesep: 16, ranksep: 20, ...MARGINS };

/** How large a layout can be shown for all of it to be seen; 1 where there is room for it as it is. */
export const fittingIn = ({ width, height }: Frame, layout: Layout): number =>
  Math.min(1, width / layout.width, height / layout.height);

/** Lays a graph out from left to right, or from top to bottom where it is seen larger so. */
export function layoutWithin(frame: Frame | undefined, graph: Graph): Layout {
  const across = layoutOf(graph, ACROSS);
  if (!frame || fittingIn(frame, across) === 1 || graph.nodes.length > FEW) return across;
  const down = layoutOf(graph, DOWN);
  return fittingIn(frame, down) > fittingIn(frame, across) ? down : across;
}

function layoutOf({ nodes, edges }: Graph, how: typeof ACROSS): Layout {
  const graph = new DagreGraph();
  graph.setGraph(how);
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) graph.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Number.isFinite(width) ? width : 0,
    height: Number.isFinite(height) ? height : 0,
    nodes: new Map(nodes.map(({ id }) => [id, graph.node(id) as { x: number; y: number }])),
    edges: new Map(
      edges.map((edge) => [
        edgeKey(edge),
        (graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }).points,
      ]),
    ),
  };
}
