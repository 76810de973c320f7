import { type IRepository, Repository } from "aws-cdk-lib/aws-ecr";
import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import { Stack } from "aws-cdk-lib/core";
import type { Construct } from "constructs";

/** A plain public image with the same Node release as Lambda's, for both processors. */
export const DEFAULT_IMAGE = "public.ecr.aws/docker/library/node:22-slim";

const PRIVATE_ECR = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)(?::([^@]+)|@(sha256:.+))?$/;

/** The image of this name. One in a private ECR repository comes with the permission to pull it. */
export function containerImage(scope: Construct, id: string, name: string): ContainerImage {
  const ecr = ecrImage(scope, id, name);
  return ecr ? ContainerImage.fromEcrRepository(ecr.repository, ecr.tagOrDigest) : ContainerImage.fromRegistry(name);
}

/** The repository that an image's name says, if it is a private one of ECR. */
export function ecrImage(
  scope: Construct,
  id: string,
  name: string,
): { readonly repository: IRepository; readonly tagOrDigest: string } | undefined {
  const [, account, region, repositoryName, tag, digest] = PRIVATE_ECR.exec(name) ?? [];
  if (!account || !region || !repositoryName) return undefined;
  const repositoryArn = Stack.of(scope).formatArn({
    service: "ecr",
    account,
    region,
    resource: "repository",
    resourceName: repositoryName,
  });
  return {
    repository: Repository.fromRepositoryAttributes(scope, id, { repositoryName, repositoryArn }),
    tagOrDigest: digest ?? tag ?? "latest",
  };
}
