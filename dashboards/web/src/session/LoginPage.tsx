import { Alert, Button, PasswordInput, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api } from "../api/client";
import { keys } from "../api/queries";
import type { Credentials } from "../api/types";
import { LanguageSwitch } from "../ui/LanguageSwitch";
import { Wordmark } from "../ui/Wordmark";
import styles from "./LoginPage.module.css";

type Way = "password" | "token";

function read(form: HTMLFormElement, way: Way): Credentials {
  const field = (name: string) => String(new FormData(form).get(name) ?? "");
  if (way === "token") return { token: field("token").trim() };
  return { username: field("username").trim(), password: field("password") };
}

export function LoginPage({ unreachable }: { unreachable: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [way, setWay] = useState<Way>("password");
  const logIn = useMutation({
    mutationFn: api.logIn,
    onSuccess: () => queries.resetQueries({ queryKey: keys.session }),
  });
  const refused = logIn.error instanceof ApiError && logIn.error.status < 500;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    logIn.mutate(read(event.currentTarget, way));
  };
  return (
    <main className={styles.page}>
      <Street />
      <form className={styles.card} onSubmit={submit} data-testid="login">
        <Stack gap="md">
          <header className={styles.header}>
            <Wordmark size={28} />
            <LanguageSwitch />
          </header>
          <p className={styles.tagline}>{t("app.tagline")}</p>
          <SegmentedControl
            fullWidth
            value={way}
            onChange={(value) => setWay(value as Way)}
            data={[
              { value: "password", label: t("login.byPassword") },
              { value: "token", label: t("login.byToken") },
            ]}
          />
          {way === "password" ? (
            <>
              <TextInput
                name="username"
                label={t("login.username")}
                autoComplete="username"
                required
                withAsterisk={false}
                autoFocus
              />
              <PasswordInput
                name="password"
                label={t("login.password")}
                autoComplete="current-password"
                required
                withAsterisk={false}
              />
            </>
          ) : (
            <PasswordInput
              name="token"
              label={t("login.token")}
              description={t("login.tokenHint")}
              autoComplete="off"
              required
              withAsterisk={false}
              autoFocus
            />
          )}
          {logIn.isError && (
            <Alert color="red" variant="light" role="alert">
              {refused ? t("login.wrong") : t("login.unreachable")}
            </Alert>
          )}
          {unreachable && !logIn.isError && (
            <Alert color="red" variant="light" role="alert">
              {t("login.unreachable")}
            </Alert>
          )}
          <Button type="submit" size="md" loading={logIn.isPending}>
            {t("login.submit")}
          </Button>
        </Stack>
      </form>
    </main>
  );
}

const POLES = Array.from({ length: 9 }, (_, index) => index);

/** A street at dusk: what the product is about, and nothing to load. */
function Street() {
  return (
    <div className={styles.street} aria-hidden="true">
      {POLES.map((pole) => (
        <span key={pole} className={styles.pole} style={{ animationDelay: `${pole * 160}ms` }} />
      ))}
    </div>
  );
}
