/** Result of one check of the infrastructure. */
export interface InfraCheck {
  /** What was checked, for example a file and a document in it. */
  readonly what: string;
  /** What is wrong; null if nothing is. */
  readonly problem: string | null;
  /** Why the check was skipped, if it was. */
  readonly skipped?: string;
}
