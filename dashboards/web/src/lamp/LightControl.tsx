import { Button, NativeSelect, TextInput } from "@mantine/core";
import { IconArrowBackUp, IconBulb, IconBulbOff } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSendCommand } from "../api/queries";
import type { LampState } from "../api/types";
import { useFormat } from "../format/useFormat";
import { Muted } from "../ui/Muted";
import { SectionTitle } from "../ui/SectionTitle";
import { CommandStatus } from "./CommandStatus";
import { LevelSlider } from "./LevelSlider";
import styles from "./LightControl.module.css";

const DEFAULT_DURATION_S = 7200;
const MINUTES = [15, 30];
const HOURS = [1, 2, 4, 8, 12];

/** Override the level of one lamp for a while, and show whether the lamp confirmed it. */
export function LightControl({ lamp, canCommand }: { lamp: LampState; canCommand: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const send = useSendCommand();
  const [level, setLevel] = useState(() =>
    Math.round(lamp.targetLightCommand ?? lamp.actualLightState ?? 100),
  );
  const [duration, setDuration] = useState<number | null>(DEFAULT_DURATION_S);
  const [note, setNote] = useState("");
  if (!canCommand) return <Muted>{t("command.viewer")}</Muted>;
  const command = (target: number | null) =>
    send.mutate({
      lampIds: [lamp.id],
      level: target,
      duration: target === null ? null : duration,
      note: note.trim(),
    });
  return (
    <form
      className={styles.control}
      aria-label={t("command.title")}
      onSubmit={(event) => {
        event.preventDefault();
        command(level);
      }}
    >
      <SectionTitle>{t("command.title")}</SectionTitle>
      <LevelSlider level={level} onChange={setLevel} />
      <div className={styles.quick}>
        <Button
          variant="default"
          leftSection={<IconBulbOff size={16} />}
          onClick={() => setLevel(0)}
          data-testid="level-off"
        >
          {t("command.off")}
        </Button>
        <Button variant="default" onClick={() => setLevel(50)} data-testid="level-half">
          {format.level(50)}
        </Button>
        <Button
          variant="default"
          leftSection={<IconBulb size={16} />}
          onClick={() => setLevel(100)}
          data-testid="level-on"
        >
          {t("command.on")}
        </Button>
      </div>
      <div className={styles.terms}>
        <DurationSelect value={duration} onChange={setDuration} />
        <TextInput
          label={t("command.note")}
          placeholder={t("command.notePlaceholder")}
          value={note}
          maxLength={200}
          onChange={(event) => setNote(event.currentTarget.value)}
          data-testid="note"
        />
      </div>
      <Button type="submit" fullWidth loading={send.isPending} data-testid="send-command">
        {t("command.send", { level: format.level(level) })}
      </Button>
      <CommandStatus commandId={send.data?.id ?? null} refused={send.error} />
      {lamp.override && (
        <Button
          variant="subtle"
          fullWidth
          leftSection={<IconArrowBackUp size={16} />}
          onClick={() => command(null)}
          disabled={send.isPending}
          data-testid="release-command"
        >
          {t("command.release")}
        </Button>
      )}
    </form>
  );
}

function DurationSelect({
  value,
  onChange,
}: {
  value: number | null;
  onChange: (seconds: number | null) => void;
}) {
  const { t } = useTranslation();
  const options = [
    ...MINUTES.map((minutes) => ({
      value: String(minutes * 60),
      label: t("command.minutes", { count: minutes }),
    })),
    ...HOURS.map((hours) => ({ value: String(hours * 3600), label: t("command.hours", { count: hours }) })),
    { value: "", label: t("command.noEnd") },
  ];
  return (
    <NativeSelect
      label={t("command.duration")}
      data={options}
      value={value === null ? "" : String(value)}
      onChange={(event) =>
        onChange(event.currentTarget.value === "" ? null : Number(event.currentTarget.value))
      }
      data-testid="duration"
    />
  );
}
