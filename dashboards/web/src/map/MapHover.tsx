import type { MapMouseEvent } from "maplibre-gl";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { useLamp } from "../state/desk";
import type { LampMap } from "./lampMap";
import styles from "./MapStage.module.css";

interface Hover {
  lampId: string;
  x: number;
  y: number;
}

/** The name and level of the lamp under the pointer. */
export function MapHover({ lampMap }: { lampMap: LampMap }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [hover, setHover] = useState<Hover | null>(null);
  const lamp = useLamp(hover?.lampId ?? null);
  useEffect(() => {
    const { map } = lampMap;
    let frame = 0;
    const look = (event: MapMouseEvent) => {
      window.cancelAnimationFrame(frame);
      frame = window.requestAnimationFrame(() => {
        const lampId = map.isMoving() ? null : lampMap.lampAt(event);
        map.getCanvas().style.cursor = lampId ? "pointer" : "";
        setHover(lampId ? { lampId, x: event.point.x, y: event.point.y } : null);
      });
    };
    const leave = () => setHover(null);
    map.on("mousemove", look);
    map.on("mouseout", leave);
    map.on("movestart", leave);
    return () => {
      window.cancelAnimationFrame(frame);
      map.off("mousemove", look);
      map.off("mouseout", leave);
      map.off("movestart", leave);
    };
  }, [lampMap]);
  if (!hover || !lamp) return null;
  return (
    <div className={styles.hover} style={{ left: hover.x, top: hover.y }} aria-hidden="true">
      <strong>{lamp.id}</strong> {t(`state.${lamp.state}`)}
      {lamp.actualLightState !== null && `, ${format.level(lamp.actualLightState)}`}
    </div>
  );
}
