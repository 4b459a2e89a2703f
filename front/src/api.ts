import useSWR, { type SWRConfiguration } from "swr";

/** What the server says of a refusal; the shape stands in `studio/refusing.py`. */
export interface Refusal {
  code: string;
  message: string;
  hint: string | null;
  field: string | null;
}

export class ApiError extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly status: number,
  ) {
    super(refusal.message);
  }
}

/** Where the studio is mounted, with a slash at its end. */
export const ROOT = new URL(document.baseURI).pathname;

export type Params = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

interface Asking {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

/** Ask the server; `path` stands below `/api/`. Raises ApiError where it refuses or is away. */
export async function ask<T>(path: string, asking: Asking = {}): Promise<T> {
  const response = await send(path, asking);
  if (!response.ok) throw new ApiError(await refusalOf(response), response.status);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError({ code: "unreadable", message: "", hint: null, field: null }, response.status);
  }
}

/** Ask for a file; its name stands in the answer. */
export async function askFile(path: string, asking: Asking, otherwise: string): Promise<{ name: string; content: Blob }> {
  const response = await send(path, asking);
  if (!response.ok) throw new ApiError(await refusalOf(response), response.status);
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? otherwise;
  return { name, content: await response.blob() };
}

/** Ask for lines of JSON, and tell each as it comes. */
export async function follow<T>(path: string, asking: Asking, told: (line: T) => void): Promise<void> {
  const response = await send(path, asking);
  if (!response.ok || !response.body) throw new ApiError(await refusalOf(response), response.status);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const line of lines) if (line) told(JSON.parse(line) as T);
    if (done) return;
  }
}

async function send(path: string, { method = "GET", body, signal }: Asking): Promise<Response> {
  const headers: Record<string, string> = { "x-chatkeep-studio": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    return await fetch(`${ROOT}api/${path}`, {
      method,
      redirect: "manual", // the studio's own answers lead nowhere else: it would be a sign-in's page
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({ code: "away", message: "", hint: null, field: null }, 0);
  }
}

/** Read a refusal; what is not of our shape came from the application around the studio. */
async function refusalOf(response: Response): Promise<Refusal> {
  const said = (await response.json().catch(() => null)) as { error?: Partial<Refusal> } | null;
  if (typeof said?.error?.code === "string") return said.error as Refusal;
  const isStranger = response.type === "opaqueredirect" || [401, 403, 404].includes(response.status);
  return { code: isStranger ? "signed_out" : "unreadable", message: "", hint: null, field: null };
}

/** Ask once for a screen, keep the answer while its address stays, ask anew on `mutate`. */
export function useAsk<T>(path: string | null, options: SWRConfiguration<T, ApiError> = {}) {
  return useSWR<T, ApiError>(path, (asked: string) => ask<T>(asked), {
    revalidateOnFocus: false,
    shouldRetryOnError: false,
    keepPreviousData: true,
    ...options,
  });
}
