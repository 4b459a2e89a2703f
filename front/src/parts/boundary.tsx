import { Component, type ComponentType, type ReactNode } from "react";
import { ApiError, ROOT } from "../api";
import { shell } from "../text/shell";
import { Failure } from "./basic";

/** Load a screen; where the server is away, that is told as of every other answer. */
export async function loaded(screen: Promise<{ default: ComponentType }>): Promise<{ default: ComponentType }> {
  try {
    return await screen;
  } catch {
    throw new ApiError({ code: "not_loaded", message: shell.away, hint: shell.awayHint, field: null }, 0);
  }
}

interface BoundaryProps {
  /** The address: at another one, what failed here says nothing. */
  at: string;
  children: ReactNode;
}

interface BoundaryState {
  error: unknown;
  isFailed: boolean;
  at: string;
}

/** Around every screen: what cannot be loaded or drawn says so, and what stands around it goes on. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: null, isFailed: false, at: this.props.at };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { error, isFailed: true };
  }

  static getDerivedStateFromProps({ at }: BoundaryProps, before: BoundaryState): Partial<BoundaryState> | null {
    return at === before.at ? null : { at, error: null, isFailed: false };
  }

  // Browsers keep a failed import, so that only a new page asks again. With the server away it would be
  // the browser's own, without a way back: first the server is asked.
  private readonly retry = async (): Promise<void> => {
    try {
      await fetch(ROOT, { method: "HEAD", cache: "no-store", redirect: "manual" });
    } catch {
      return; // still away, as the page says
    }
    location.reload();
  };

  override render(): ReactNode {
    const { error, isFailed } = this.state;
    if (!isFailed) return this.props.children;
    if (error instanceof ApiError) return <Failure error={error} onRetry={() => void this.retry()} />;
    return <Failure error={new ApiError({ code: "broken", message: "", hint: null, field: null }, 0)} />;
  }
}
