import { Template } from "aws-cdk-lib/assertions";
import { App } from "aws-cdk-lib/core";
import { StratolabStack, type StratolabStackProps } from "../../infra/index.ts";

// The CDK's own rules take their time to load in each test file; the test of `cdk synth` has them.
process.env.CDK_VALIDATION = "false";

/** A stack with these props, and its template. */
export function synthesize(props: StratolabStackProps = {}) {
  const stack = new StratolabStack(new App(), "Stratolab", props);
  return { stack, lab: stack.lab, template: Template.fromStack(stack) };
}

/** Properties of the only resource of a type, or of the only one whose logical id contains a text. */
// biome-ignore lint/suspicious/noExplicitAny: a template is JSON, and each test knows what it looks for.
export function propertiesOf(template: Template, type: string, idPart = ""): any {
  const found = Object.entries(template.findResources(type)).filter(([id]) => id.includes(idPart));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} with "${idPart}" in their id`);
  return found[0]![1].Properties;
}

/** A value of the template as text, with references in angle brackets, as it would look once deployed. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  const { Ref, "Fn::GetAtt": attribute, "Fn::Join": joined } = value as Record<string, never>;
  if (joined) return (joined[1] as unknown[]).map(asText).join(joined[0]);
  return `<${attribute ? (attribute as string[]).join(".") : Ref}>`;
}

/** An output of the stack as text. */
export const outputOf = (template: Template, key: string): string => asText(template.toJSON().Outputs[key].Value);
