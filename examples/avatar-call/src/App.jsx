import { useState } from "react";
import { AvatarCall } from "@runwayml/avatars-react";

import { messageOf, newConnectUrl } from "./connect.js";

const PRESETS = [
  "game-character",
  "music-superstar",
  "game-character-man",
  "cat-character",
  "influencer",
  "tennis-coach",
  "human-resource",
  "fashion-designer",
  "cooking-teacher",
];

export function App() {
  const [avatarId, setAvatarId] = useState(PRESETS[0]);
  const [call, setCall] = useState(null);
  const [status, setStatus] = useState("No call");
  const [problem, setProblem] = useState(null);

  async function start(event) {
    event.preventDefault();
    setProblem(null);
    setStatus("Connecting");
    try {
      // Each call needs a new URL: a URL works once, and the SDK caches credentials by URL.
      setCall({ avatarId, connectUrl: await newConnectUrl(avatarId) });
    } catch (error) {
      failed(error);
    }
  }

  function failed(error) {
    setCall(null);
    setStatus("No call");
    setProblem(messageOf(error));
  }

  function ended() {
    setCall(null);
    setStatus("Call ended");
  }

  return (
    <main>
      <h1>Call an avatar</h1>
      <form onSubmit={start}>
        <label>
          Preset, or the ID of your own avatar
          <input list="presets" value={avatarId} onChange={(event) => setAvatarId(event.target.value)} required />
        </label>
        <datalist id="presets">
          {PRESETS.map((preset) => (
            <option key={preset} value={preset} />
          ))}
        </datalist>
        <button disabled={call !== null}>Call</button>
        {call && (
          <button type="button" onClick={ended}>
            Hang up
          </button>
        )}
      </form>
      <p role="status">{status}</p>
      {problem && <p role="alert">{problem}</p>}
      {call && (
        <AvatarCall
          key={call.connectUrl}
          avatarId={call.avatarId}
          connectUrl={call.connectUrl}
          video={false}
          onEnd={ended}
          onError={failed}
        />
      )}
    </main>
  );
}
