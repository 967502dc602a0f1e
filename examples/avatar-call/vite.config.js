import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { connectUrlRoute } from "./server.js";

// The local stack allows only the origin with this port (CORS_ORIGINS).
const address = { host: "localhost", port: 5173, strictPort: true };

export default defineConfig({ plugins: [react(), connectUrlRoute()], server: address, preview: address });
