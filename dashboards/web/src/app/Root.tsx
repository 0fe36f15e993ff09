import { MantineProvider } from "@mantine/core";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../api/client";
import { keys, worthRetrying } from "../api/queries";
import { cssVariables } from "../theme/cssVariables";
import { mantineTheme } from "../theme/mantineTheme";
import { SessionGate } from "./SessionGate";

/** A 401 to any query ends the session, so that the gate shows the login page. */
function createQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    defaultOptions: { queries: { retry: worthRetrying, refetchOnWindowFocus: false } },
    queryCache: new QueryCache({
      onError: (error, query) => {
        const ended = error instanceof ApiError && error.status === 401;
        if (ended && query.queryKey[0] !== "session") void queries.resetQueries({ queryKey: keys.session });
      },
    }),
  });
  return queries;
}

export function Root() {
  const [queries] = useState(createQueries);
  return (
    <MantineProvider theme={mantineTheme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <SessionGate />
      </QueryClientProvider>
    </MantineProvider>
  );
}
