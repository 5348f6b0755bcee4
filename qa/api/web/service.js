// What the console asks of the server. A question travels in the body of a POST and nowhere else.

const SECONDS_TO_ANSWER = 10;

export class Failure extends Error {
  constructor(kind, message = "") {
    super(message);
    this.kind = kind;
  }
}

// The answer, or a Failure: offline, late, overloaded, unready, refused, broken. Whoever aborts it knows what came of it.
export async function ask(question, audience, controller) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, SECONDS_TO_ANSWER * 1000);
  let response;
  try {
    response = await fetch("/v1/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, audience, limit: 3 }),
      signal: controller.signal,
      credentials: "omit",
      cache: "no-store",
    });
    const body = await response.json();
    if (response.ok) {
      return body;
    }
    throw failureOf(response.status, body.error);
  } catch (error) {
    if (error instanceof Failure) {
      throw error;
    }
    throw new Failure(late ? "late" : response ? "broken" : "offline");
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(status, error) {
  if (error?.code === "overloaded" || error?.code === "deadline_exceeded") {
    return new Failure("overloaded");
  }
  if (status === 503) {
    return new Failure("unready");
  }
  return status < 500 ? new Failure("refused", error?.message ?? "") : new Failure("broken");
}

// What /readyz says: {state: "ready" | "degraded" | "unready" | "offline", generation?, builtAt?}.
export async function readiness() {
  try {
    const response = await fetch("/readyz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
    if (!response.ok) {
      return { state: "unready" };
    }
    const body = await response.json();
    return { state: body.status, generation: body.generation, builtAt: body.built_at };
  } catch {
    return { state: "offline" };
  }
}
