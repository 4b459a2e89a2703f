/** What one answer of the server brings: rows, and where the next begin; null at the end. */
export interface Page<Row> {
  rows: Row[];
  next: string | null;
}

type Load<Row> = (after: string | null, signal: AbortSignal) => Promise<Page<Row>>;

const KEPT = 12; // pages in memory at once; the others are asked for again when they come into view

/**
 * Rows that are read page by page as one scrolls, from the first on: the server pages by key, so there
 * is no jump to the middle. Where each page begins is remembered; the rows of far pages are let go.
 */
export class RowWindow<Row> {
  private pages = new Map<number, Row[]>();
  private sizes: number[] = [];
  private after: (string | null)[] = [null];
  private loading = new Map<number, AbortController>();
  private watchers = new Set<() => void>();
  private wanted: [first: number, last: number] = [0, 0];
  /** Changes whenever there is something new to show. */
  version = 0;
  error: unknown = null;

  constructor(private readonly load: Load<Row>) {}

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Rows known to be there so far. */
  get count(): number {
    return this.sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Whether the last row is among the known ones. */
  get isWhole(): boolean {
    return this.sizes.length === this.after.length - 1 && this.after.at(-1) === null && this.sizes.length > 0;
  }

  get isLoading(): boolean {
    return this.loading.size > 0;
  }

  /** Rows in memory now, in order: what "all that is loaded" means. */
  get held(): Row[] {
    return [...this.pages.keys()].sort((a, b) => a - b).flatMap((page) => this.pages.get(page) ?? []);
  }

  row(index: number): Row | undefined {
    const [page, at] = this.placeOf(index);
    return this.pages.get(page)?.[at];
  }

  /** Say which rows are in view: what is missing is loaded, what is far is let go. */
  want(first: number, last: number): void {
    const from = this.placeOf(Math.max(0, first))[0];
    const to = Math.min(this.placeOf(last)[0], this.after.length - (this.isWhole ? 2 : 1));
    this.wanted = [from, to];
    for (let page = from; page <= to; page += 1) if (!this.pages.has(page)) void this.bring(page);
    const middle = (from + to) / 2;
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle)).slice(KEPT);
    for (const page of far) this.pages.delete(page);
  }

  /** Read what is in view anew, for the rows may have changed. */
  async refresh(): Promise<void> {
    for (const [page, under] of this.loading) {
      under.abort();
      this.loading.delete(page);
    }
    const [from, to] = this.wanted;
    for (const page of this.pages.keys()) if (page < from || page > to) this.pages.delete(page);
    this.error = null;
    for (let page = from; page <= to && page < this.after.length - (this.isWhole ? 1 : 0); page += 1) await this.bring(page);
  }

  retry(): void {
    this.error = null;
    this.want(...this.rangeOfWanted());
  }

  close(): void {
    for (const under of this.loading.values()) under.abort();
    this.loading.clear();
  }

  private rangeOfWanted(): [number, number] {
    const start = (page: number) => this.sizes.slice(0, page).reduce((sum, size) => sum + size, 0);
    return [start(this.wanted[0]), Math.max(start(this.wanted[1] + 1) - 1, start(this.wanted[1]))];
  }

  private placeOf(index: number): [page: number, at: number] {
    let left = index;
    for (const [page, size] of this.sizes.entries()) {
      if (left < size) return [page, left];
      left -= size;
    }
    return [this.sizes.length, left];
  }

  private async bring(page: number): Promise<void> {
    const after = this.after[page];
    if (after === undefined || (after === null && page > 0) || this.loading.has(page) || this.error) return;
    const under = new AbortController();
    this.loading.set(page, under);
    try {
      const { rows, next } = await this.load(after, under.signal);
      if (under.signal.aborted) return;
      this.pages.set(page, rows);
      this.sizes[page] = rows.length;
      if (this.after[page + 1] !== next) {
        // The rows changed under us: what came after is counted anew.
        this.after.length = page + 1;
        this.sizes.length = page + 1;
        this.after.push(next);
        for (const each of this.pages.keys()) if (each > page) this.pages.delete(each);
      }
    } catch (error) {
      if (under.signal.aborted) return;
      this.error = error;
    } finally {
      if (this.loading.get(page) === under) this.loading.delete(page);
      if (!under.signal.aborted) this.changed();
    }
  }

  private changed(): void {
    this.version += 1;
    for (const watcher of this.watchers) watcher();
  }
}
