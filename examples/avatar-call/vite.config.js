import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { connectUrlRoute } from "./server.js";

// The port is the origin that the local stack lets in (CORS_ORIGINS); another one would be refused.
const address = { host: "localhost", port: 5173, strictPort: true };

export default defineConfig({ plugins: [react(), connectUrlRoute()], server: address, preview: address });
