import type { ComponentProps } from "react";
import styles from "./Card.module.css";

type CardProps = ComponentProps<"section"> & {
  as?: "section" | "aside" | "nav";
};

/** A panel that floats over the map; its place and size come with `className`. */
export function Card({ as: Element = "section", className, ...rest }: CardProps) {
  return <Element className={`${styles.card} ${className ?? ""}`} {...rest} />;
}
