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

/** Lays a graph out, from left to right. */
export function layoutOf({ nodes, edges }: Graph): Layout {
  const graph = new DagreGraph();
  graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 48, marginx: 12, marginy: 12 });
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
