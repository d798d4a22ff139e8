/**
 * The TCP conversations seen so far, so that sequence numbers can be printed relative to the first
 * ones. One entry for both directions.
 */
export interface Conversation {
  seq: number;
  ack: number;
}

export class TcpConversations {
  private readonly known = new Map<string, Conversation>();

  get(key: string): Conversation | undefined {
    return this.known.get(key);
  }

  set(key: string, conversation: Conversation): void {
    this.known.set(key, conversation);
  }
}
