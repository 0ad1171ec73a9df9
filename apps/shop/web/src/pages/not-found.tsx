import { useTitle } from "../hooks.ts";
import { Link } from "../router.tsx";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <div class="wide empty">
      <h1>Nothing stands here</h1>
      <p>The page is gone, or it never was.</p>
      <Link to="/" class="button">
        Back to the shop
      </Link>
    </div>
  );
}
