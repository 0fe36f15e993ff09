import "./status.css";
import "./cards.css";
import "./rows.css";
import { StatusPage } from "./page";

new StatusPage().start();
