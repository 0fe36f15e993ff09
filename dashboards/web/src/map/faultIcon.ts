import type { Map as MapLibreMap } from "maplibre-gl";
import { COLOURS } from "../theme/colours";
import type { Theme } from "../theme/theme";

const SIZE = 48;

function diamond(context: CanvasRenderingContext2D, radius: number, fill: string): void {
  const middle = SIZE / 2;
  context.beginPath();
  context.moveTo(middle, middle - radius);
  context.lineTo(middle + radius, middle);
  context.lineTo(middle, middle + radius);
  context.lineTo(middle - radius, middle);
  context.closePath();
  context.fillStyle = fill;
  context.fill();
}

/** A diamond, to differ from a lamp by shape alone; its centre shows whether the lamp gives light. */
function drawFault(theme: Theme, lit: boolean): ImageData {
  const palette = COLOURS[theme];
  const canvas = document.createElement("canvas");
  canvas.width = SIZE;
  canvas.height = SIZE;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  diamond(context, 22, palette.faultEdge);
  diamond(context, 18, palette.fault);
  diamond(context, 9, lit ? palette.bright : palette.ground);
  return context.getImageData(0, 0, SIZE, SIZE);
}

export function putFaultIcons(map: MapLibreMap, theme: Theme): void {
  for (const [name, lit] of [
    ["fault-lit", true],
    ["fault-dark", false],
  ] as const) {
    const image = drawFault(theme, lit);
    if (map.hasImage(name)) map.updateImage(name, image);
    else map.addImage(name, image, { pixelRatio: 2 });
  }
}
