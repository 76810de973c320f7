/** Entry of the executor process in Lambda, where its supervisor watches it from outside. */
import { serve } from "./executor.ts";
import { WatchBoard } from "./watch.ts";

const board = new WatchBoard();
board.end();
serve(board);
