import { App, Validations } from "aws-cdk-lib/core";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import { describe, expect, test } from "vitest";
import { StratolabStack, type StratolabStackProps } from "../../infra/index.ts";

const PRIVATE_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/lab:1";

const stackOf = (props: StratolabStackProps) => new StratolabStack(new App(), "Stratolab", props);

/** Rule and construct path of everything that cdk-nag finds. */
const findingsIn = (stack: StratolabStack, checks = new AwsSolutionsChecks()): { rule: string; path: string }[] =>
  checks
    .validateScope(stack)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => ({ rule: ruleName, path: constructPath ?? "" })),
    );

describe("cdk-nag's AwsSolutions find nothing without a reason", () => {
  test.each<[string, StratolabStackProps]>([
    ["by default", {}],
    [
      "with GPUs, On-Demand and Spot",
      { gpu: true, gpuSpotShare: 0.5, gpuInstanceTypes: ["g4dn.xlarge", "g6.12xlarge"] },
    ],
    ["with an image in private ECR", { gpu: true, image: PRIVATE_IMAGE }],
    ["on the emulator", { gpu: true, emulator: true }],
  ])("%s", (_, props) => {
    expect(findingsIn(stackOf(props))).toEqual([]);
  });
});

test("each reason says something, and answers a finding that is there", () => {
  const stack = stackOf({ gpu: true, image: PRIVATE_IMAGE });
  const checks = Object.assign(new AwsSolutionsChecks(), { isAcknowledged: () => false });
  const findings = findingsIn(stack, checks);
  expect(findings.length).toBeGreaterThan(20);

  for (const { path, rule, reason } of stack.node.findAll().flatMap(acknowledgements)) {
    expect(reason.length, rule).toBeGreaterThan(30);
    const answered = findings.filter((each) => each.rule === rule && `${each.path}/`.startsWith(`${path}/`));
    expect(answered.length, `${rule} at ${path}`).toBeGreaterThan(0);
  }
});

function acknowledgements({ node }: IConstruct): { path: string; rule: string; reason: string }[] {
  return node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries<string>(data))
    .map(([id, reason]) => ({ path: node.path, rule: id.replace(/^annotation::/i, ""), reason }))
    .filter(({ rule }) => rule.startsWith("AwsSolutions-"));
}
