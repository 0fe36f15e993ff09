import { Text } from "@mantine/core";
import type { ReactNode } from "react";

interface MutedProps {
  as?: "p" | "span";
  children: ReactNode;
  testId?: string;
}

/** Secondary text in the size of what is around it. */
export function Muted({ as = "p", children, testId }: MutedProps) {
  return (
    <Text component={as} inherit c="dimmed" m={0} data-testid={testId}>
      {children}
    </Text>
  );
}
