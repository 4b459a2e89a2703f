export interface PersonLine {
  id: string;
  email: string;
  name: string | null;
  created_at: string;
  /** Of their chats; null without one. */
  active_at: string | null;
}

/** `GET people`. */
export interface PeoplePage {
  items: PersonLine[];
  next_cursor: string | null;
  order: "email" | "newest" | "active";
  /** Whether there are few enough for every order, and for parts of names. */
  few: boolean;
  reach: "everything" | "beginnings";
  more: boolean;
}

interface Totals {
  answers: number;
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
  cost: string | null;
}

/** `GET people/{id}`. */
export interface PersonTold {
  user: {
    id: string;
    email: string;
    name: string | null;
    /** A time with one preset, a boolean with the other. */
    email_verified: string | boolean | null;
    is_admin?: boolean;
    created_at: string;
    updated_at: string;
  };
  settings: {
    theme: string | null;
    language: string | null;
    defaultModel: string | null;
    enableSearchByDefault: boolean;
    maxSearchResults: number | null;
    updatedAt: string;
  } | null;
  usage: { total: Totals; models: (Totals & { model: string | null })[] } | null;
  has_chats: boolean;
}

export interface ChatLine {
  id: string;
  title: string;
  createdAt: string;
  updatedAt: string;
  deletedAt?: string;
  isPinned: boolean;
  isTemporary: boolean;
}

/** `GET people/{id}/chats`. */
export interface ChatsPage {
  items: ChatLine[];
  nextCursor: string | null;
  previousCursor: string | null;
}
