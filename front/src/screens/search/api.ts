export type Role = "user" | "assistant" | "system" | "tool";

export interface Hit {
  chatId: string;
  chatTitle: string;
  /** null where the title was found. */
  messageId: string | null;
  role: Role | null;
  createdAt: string;
  snippet: string;
  /** Begin and end of each hit, in code points. */
  highlights: [number, number][];
  rank: number;
}

export interface Term {
  typed: string;
  kind: "word" | "phrase" | "prefix" | "characters";
  excluded: boolean;
  tokens: string[];
  /** Whether texts are looked at too, since the index alone cannot tell. */
  checked: boolean;
}

export interface Lexeme {
  text: string;
  prefix: boolean;
  excluded: boolean;
}

/** `GET search`. */
export interface Found {
  items: Hit[];
  after: string | null;
  read: { terms: Term[]; lexemes: Lexeme[]; owner: string };
}
