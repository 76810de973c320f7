import { Template } from "aws-cdk-lib/assertions";
import { SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import { App, Stack } from "aws-cdk-lib/core";
import { describe, expect, test } from "vitest";
import { Stratolab, type StratolabProps } from "../../infra/index.ts";
import { outputOf, propertiesOf, synthesize } from "./synthesize.ts";

describe("the lab's own VPC", () => {
  const { template } = synthesize();

  test("has public subnets in two zones and no NAT gateway", () => {
    template.resourceCountIs("AWS::EC2::NatGateway", 0);
    template.resourceCountIs("AWS::EC2::Subnet", 2);
    const zones = Object.values(template.findResources("AWS::EC2::Subnet")).map(
      (each) => each.Properties.AvailabilityZone,
    );
    expect(new Set(zones.map((zone) => JSON.stringify(zone))).size).toBe(2);
    expect(outputOf(template, "Subnets").split(",")).toHaveLength(2);
    expect(outputOf(template, "AssignPublicIp")).toBe("ENABLED");
  });

  test("reaches S3 and DynamoDB through gateway endpoints, which are free", () => {
    const endpoints = Object.values(template.findResources("AWS::EC2::VPCEndpoint")).map(
      ({ Properties }) => Properties,
    );
    expect(endpoints).toHaveLength(2);
    for (const service of ["s3", "dynamodb"]) {
      expect(endpoints.map((each) => JSON.stringify(each.ServiceName)).join()).toContain(`.${service}`);
    }
    for (const endpoint of endpoints) {
      expect(endpoint.VpcEndpointType).toBe("Gateway");
      expect(endpoint.RouteTableIds).toHaveLength(2);
    }
  });

  test("lets nothing in", () => {
    expect(propertiesOf(template, "AWS::EC2::SecurityGroup")).not.toHaveProperty("SecurityGroupIngress");
    template.resourceCountIs("AWS::EC2::SecurityGroupIngress", 0);
  });
});

describe("a VPC of the user's", () => {
  const inVpc = (vpcOf: (stack: Stack) => Vpc, props: StratolabProps = {}) => {
    const stack = new Stack(new App(), "Mine");
    new Stratolab(stack, "Lab", { ...props, vpc: vpcOf(stack) as never });
    return Template.fromStack(stack);
  };

  test("gives its private subnets that reach the internet, without public addresses", () => {
    const template = inVpc((stack) => new Vpc(stack, "Vpc", { maxAzs: 2, natGateways: 1 }));
    template.resourceCountIs("AWS::EC2::VPC", 1);
    expect(outputOf(template, "Subnets")).toContain("Private");
    expect(outputOf(template, "Subnets")).not.toContain("Public");
    expect(outputOf(template, "AssignPublicIp")).toBe("DISABLED");
  });

  test("gives its public subnets where it has no others", () => {
    const template = inVpc(
      (stack) =>
        new Vpc(stack, "Vpc", {
          natGateways: 0,
          subnetConfiguration: [{ name: "Open", subnetType: SubnetType.PUBLIC }],
        }),
    );
    expect(outputOf(template, "Subnets")).toContain("Open");
    expect(outputOf(template, "AssignPublicIp")).toBe("ENABLED");
  });

  test("gives the subnets that are asked for", () => {
    const template = inVpc((stack) => new Vpc(stack, "Vpc", { natGateways: 1 }), {
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
    });
    expect(outputOf(template, "Subnets")).toContain("Public");
    expect(outputOf(template, "AssignPublicIp")).toBe("ENABLED");
  });

  test("with nothing but isolated subnets has to be told what to use", () => {
    const isolated = (stack: Stack) =>
      new Vpc(stack, "Vpc", { subnetConfiguration: [{ name: "Closed", subnetType: SubnetType.PRIVATE_ISOLATED }] });
    expect(() => inVpc(isolated)).toThrow();
    const template = inVpc(isolated, { vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED } });
    expect(outputOf(template, "AssignPublicIp")).toBe("DISABLED");
  });

  test("is needed where subnets are chosen, and is given once", () => {
    expect(() => synthesize({ vpcSubnets: { subnetType: SubnetType.PUBLIC } })).toThrow("Got no vpc.");
    const other = new Vpc(new Stack(new App(), "Other"), "Vpc");
    expect(() => synthesize({ vpcId: "vpc-1", vpc: other as never })).toThrow("needs either vpc or vpcId. Got both");
  });
});
