/** An error as the ECS API answers it: AWS's type and words. */
export class EcsError extends Error {
  override readonly name = "EcsError";
  readonly type: string;
  readonly statusCode: number;
  /** Members of the error beside its message, such as a conflict's `resourceIds`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(type: string, message: string, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.type = type;
    this.statusCode = type === "ServerException" ? 500 : 400;
    this.members = members;
  }
}

export const clientError = (message: string): EcsError => new EcsError("ClientException", message);
export const invalidParameter = (message: string): EcsError => new EcsError("InvalidParameterException", message);
export const clusterNotFound = (): EcsError => new EcsError("ClusterNotFoundException", "Cluster not found.");
