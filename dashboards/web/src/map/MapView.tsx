import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Card } from "../ui/Card";
import { MapControls } from "./MapControls";
import { MapHover } from "./MapHover";
import styles from "./MapStage.module.css";
import { useCamera } from "./useCamera";
import { useLampMap } from "./useLampMap";
import { useMapData } from "./useMapData";

/** The map itself: one hook each for building it, for its data and for its camera. */
export function MapView({ previewLevel }: { previewLevel: number | null }) {
  const { t } = useTranslation();
  const [box, setBox] = useState<HTMLElement | null>(null);
  const { lampMap, unsupported } = useLampMap(box, previewLevel);
  useMapData(lampMap);
  const fit = useCamera(lampMap);
  return (
    <>
      <section
        ref={setBox}
        className={styles.map}
        aria-label={t("map.label")}
        data-testid="map"
        data-ready={lampMap !== null}
      />
      {unsupported && (
        <Card className={styles.notice} role="alert">
          <p>{t("map.noWebgl")}</p>
        </Card>
      )}
      {lampMap && <MapHover lampMap={lampMap} />}
      {lampMap && <MapControls map={lampMap.map} onFit={fit} />}
    </>
  );
}
