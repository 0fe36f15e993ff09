import { Center, Loader } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { useSession } from "../api/queries";
import { LoginPage } from "../session/LoginPage";
import { createDesk, DeskProvider } from "../state/desk";
import { DeskPage } from "./DeskPage";

/** The desk for who has a session, the login page for who has none. */
export function SessionGate() {
  const { t } = useTranslation();
  const session = useSession();
  if (session.isPending) {
    return (
      <Center h="100%">
        <Loader aria-label={t("app.loading")} />
      </Center>
    );
  }
  if (session.isError || !session.data) {
    const unreachable = !(session.error instanceof ApiError && session.error.status === 401);
    return <LoginPage unreachable={unreachable} />;
  }
  return <FreshDesk key={session.data.username} canCommand={session.data.role !== "viewer"} />;
}

function FreshDesk({ canCommand }: { canCommand: boolean }) {
  const [desk] = useState(createDesk);
  return (
    <DeskProvider desk={desk}>
      <DeskPage canCommand={canCommand} />
    </DeskProvider>
  );
}
