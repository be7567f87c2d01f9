/** What one check of the infrastructure came to. */
export interface Finding {
  /** What was looked at, such as a file and a document in it. */
  readonly what: string;
  /** What is wrong with it, null if nothing is. */
  readonly problem: string | null;
  /** Why it was not looked at, where it was not. */
  readonly skipped?: string;
}
