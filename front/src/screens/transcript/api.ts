import type { Role } from "../search/api";

/** `GET chats/{id}`. */
export interface ChatTold {
  chat: Chat;
  owner: { id: string; name: string | null; email: string };
  /** Of all branches; null for a chat in the trash. */
  messages: number | null;
  shares: Share[];
  /** Names of the tables that its rows stand in. */
  tables: { chats: string; messages: string };
}

export interface Chat {
  id: string;
  user_id: string;
  title: string;
  created_at: string;
  updated_at: string;
  head: string | null;
  revision: number;
  is_branched: boolean;
  is_pinned: boolean;
  is_temporary: boolean;
  deleted_at: string | null;
}

/** Records come with the keys of the TypeScript side. */
export interface Share {
  id: string;
  kind: "snapshot" | "live";
  expiresAt: string | null;
  revokedAt: string | null;
  createdAt: string;
}

export interface Source {
  title: string;
  url: string;
  snippet: string;
}

export interface Message {
  id: string;
  role: Role;
  content: string;
  sources: Source[] | null;
  metadata: {
    searchQuery?: string;
    model?: string;
    tokens?: { prompt: number; completion: number; total: number };
    processingTime?: number;
  } | null;
  createdAt: string;
  parts: unknown;
  status: "complete" | "streaming" | "interrupted" | "error";
  /** Ids of the messages that follow the same one, itself among them; null where it is alone. */
  siblings: string[] | null;
  usage: { model: string | null; promptTokens: number; completionTokens: number; cost: string | null; latencyMs: number | null } | null;
  feedback: { vote: number | null; comment: string | null } | null;
  left_out: { characters: number; parts: number };
}

/** `GET chats/{id}/messages`: oldest first, with the places before and after them. */
export interface MessagesPage {
  items: Message[];
  before: string | null;
  after: string | null;
  /** The end of the branch, where the address asks for another than the chat shows. */
  tip: string | null;
}
