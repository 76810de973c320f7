import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type ISubnet,
  type IVpc,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Validations } from "aws-cdk-lib/core";
import { Construct } from "constructs";

interface NetworkProps {
  readonly vpc?: IVpc | undefined;
  readonly vpcSubnets?: SubnetSelection | undefined;
}

/** Where ECS tasks run: they call out, nothing calls in. */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly subnets: readonly ISubnet[];
  readonly securityGroup: SecurityGroup;
  /** Whether ECS tasks get public addresses: without NAT that is their only way out. */
  readonly assignPublicIp: boolean;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    if (props.vpcSubnets && !props.vpc) {
      throw new Error("vpcSubnets chooses among the subnets of `vpc`. Got no vpc. Give both, or leave out vpcSubnets.");
    }
    this.vpc = props.vpc ?? this.ownVpc();
    const selected = this.vpc.selectSubnets(props.vpcSubnets ?? defaultSubnets(this.vpc));
    if (selected.subnets.length === 0) {
      throw new Error(
        `The VPC ${this.vpc.vpcId} needs a public subnet or a private one that reaches the internet. Got none. ` +
          "Name others with vpcSubnets, if they reach S3, DynamoDB and the image's registry.",
      );
    }
    this.subnets = selected.subnets;
    this.assignPublicIp = selected.hasPublic;
    this.securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc: this.vpc,
      description: "stratolab ECS tasks: no way in",
      // Tasks fetch data from wherever their code says.
      allowAllOutbound: true,
    });
  }

  private ownVpc(): IVpc {
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr("10.0.0.0/16"),
      maxAzs: 2,
      // A NAT gateway costs some 33 dollars a month while idle.
      natGateways: 0,
      subnetConfiguration: [{ name: "Public", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
      // Nothing uses the default group, and emptying it takes a custom resource.
      restrictDefaultSecurityGroup: false,
      // Gateway endpoints are free, and keep the traffic to table and bucket off the internet.
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
    });
    Validations.of(vpc).acknowledge({
      id: "AwsSolutions-VPC7",
      reason:
        "Flow logs cost by traffic, and nothing accepts connections here. Who has to keep them adds them to `vpc`.",
    });
    // Vpc declares optional members as possibly undefined, IVpc as possibly absent.
    return vpc as IVpc;
  }
}

/** Private subnets with a way out, where there are any: addresses and public IPv4 cost less there. */
const defaultSubnets = (vpc: IVpc): SubnetSelection => ({
  subnetType: vpc.privateSubnets.length > 0 ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PUBLIC,
});
